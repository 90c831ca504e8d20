fn main() {
    use assize_benches::setup::*; use assize_benches::measure::*; use assize_benches::ruler::*;
    let which = std::env::args().nth(1).unwrap_or_default();
    for ready in Ready::all().unwrap() {
        if !which.is_empty() && which.starts_with('W') && which != ready.label { continue }
        let n = 65536usize;
        let requests: Vec<_> = ready.workload.requests().take(n).collect();
        let a = RulerA::load(&ready.workload.world);
        let lowered: Vec<_> = requests.iter().map(|r| ready.lower(r)).collect();
        let split: Vec<_> = requests.iter().zip(&lowered).map(|(r, l)| ready.split(r, l, a.keys())).collect();
        let actions: Vec<&str> = split.iter().map(|r| r.action).collect();
        let b = RulerB::load(&a, actions);
        let mut bad = 0; let mut badb = 0; 
        for (r, s) in requests.iter().zip(&split).take(4000) {
            let d = ready.reference(r).unwrap();
            let w = of_three_layers(&d).unwrap();
            if a.decide(s) != w { bad += 1; if bad < 5 { println!("{} {w} {} {:?}", a.decide(s), r.to_json(), d.checks[0].layers.iter().map(|l| (l.layer, l.verdict, l.denies.iter().map(|d|(d.policy.clone(),d.sid.clone(), d.statement)).collect::<Vec<_>>())).collect::<Vec<_>>()); } }
            if b.decide(s) != w { badb += 1; }
        }
        println!("{} wrong {bad} {badb}", ready.label);
        let (ta, _) = time(|| split.iter().take(16384).filter(|r| a.decide(r) == Answer::Allowed).count());
        let (tb, _) = time(|| split.iter().filter(|r| b.decide(r) == Answer::Allowed).count());
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        let mut decider = ready.engine.decider();
        let (tp, rows) = time(|| decider.prepare(&typed));
        let n_rows = rows.iter().flatten().map(|r| r.len()).sum::<usize>();
        let (t0, _) = time(|| decider.decide_prepared().len());
        let (t1, _) = time(|| decider.decide_prepared().len());
        let (t2, _) = time(|| decider.decide_prepared().len());
        println!("{} A {} B {} prepare {} cold {} cols {} {} rows {n_rows}", ready.label, shown_rate(rate(16384, ta)), shown_rate(rate(n, tb)), shown_rate(rate(n, tp)), shown_rate(rate(n, t0)), shown_rate(rate(n,t1)), shown_rate(rate(n,t2)));
        let text = ndjson(&requests);
        for _ in 0..3 {
            let mut out = Vec::new();
            let o = assize::StreamOptions { format: assize::StreamFormat::Compact, threads: Some(1), ..Default::default() };
            let (t, s) = time(|| ready.engine.decide_stream(&mut &text[..], &mut out, &o, &mut |_| true).unwrap());
            println!("{} ndjson {} bytes/req {} {:?}", ready.label, shown_rate(rate(n, t)), text.len() / n, s.counters);
        }
    }
}
