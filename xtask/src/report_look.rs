//! `cargo xtask report-look`: pictures of the HTML reports, to be looked at.
//!
//! Needs a browser of the Chromium family; not part of `.ci/run`. Beside the pictures it measures
//! that no page is wider than its window, and that a click on a column sorts by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The browser; by default one of Chromium's usual names
    #[arg(long)]
    browser: Option<PathBuf>,
    /// Where the pictures go
    #[arg(long, default_value = "target/report-look")]
    out: PathBuf,
}

/// The names under which the browser is sought.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Widths of the window: a desk and a telephone.
const WIDTHS: [u32; 2] = [1280, 390];
/// Height of the window.
const HEIGHT: u32 = 1800;
/// Color schemes, and the number that the browser knows them by.
const SCHEMES: [(&str, u8); 2] = [("light", 1), ("dark", 0)];
/// The reports: a name, and what is asked.
const REPORTS: [(&str, &[&str]); 3] = [
    ("changes", &["--change", "scp=examples/policies/deny-regions.json"]),
    ("log", &["--all"]),
    ("usage", &["--used", "--world", "examples/world.assize.yaml"]),
];

/// Clicks on the second column and tells the page around it what is measured.
const PROBE: &str = r#"<script>
document.querySelectorAll("th button")[1]?.click();
const page = document.documentElement;
const keys = [...document.querySelectorAll("tbody")[0]?.rows ?? []].map((row) => row.cells[1].dataset.sort ?? row.cells[1].textContent);
const sorted = document.querySelectorAll("th")[1]?.dataset.kind === "number"
  ? keys.every((key, at) => at === 0 || Number(keys[at - 1]) >= Number(key))
  : keys.every((key, at) => at === 0 || keys[at - 1].localeCompare(key, "en") <= 0);
const found = `width=${page.scrollWidth} window=${window.innerWidth} rows=${keys.length} sorted=${sorted}`;
parent.postMessage(found, "*");
</script></body>"#;

/// Makes the pictures.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let browser = match &args.browser {
        Some(path) => path.clone(),
        None => find_browser()?,
    };
    let out = root.join(&args.out);
    fs::create_dir_all(&out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let mut n_pictures = 0;
    for (name, words) in REPORTS {
        let page = out.join(format!("{name}.html"));
        write_report(root, words, &page)?;
        for width in WIDTHS {
            probe(&browser, &page, width)?;
            for (scheme, number) in SCHEMES {
                let picture = out.join(format!("{name}-{width}-{scheme}.png"));
                let shot = [
                    format!("--blink-settings=preferredColorScheme={number}"),
                    format!("--screenshot={}", picture.display()),
                ];
                browse(&browser, &page, width, &shot)?;
                n_pictures += 1;
            }
        }
    }
    println!("report-look: {n_pictures} pictures in {}", out.display());
    Ok(())
}

fn find_browser() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let mut places = folders.flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    places.find(|place| place.is_file()).context("there is no Chromium; `--browser` names one")
}

/// Has the command write a report of the bundled log.
fn write_report(root: &Path, words: &[&str], page: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["run", "-q", "-p", "assize-cli", "--", "replay", "examples/cloudtrail"])
        .args(words)
        .args(["--format", "html", "-q", "-o"])
        .arg(page)
        .status()
        .context("cannot start cargo")?;
    // The status says what the log shows: breaks are no failure here.
    if status.code().is_none_or(|code| code == 2) {
        bail!("the report `{}` could not be made", page.display());
    }
    Ok(())
}

/// Fails when a page is wider than its window, or does not sort.
fn probe(browser: &Path, page: &Path, width: u32) -> Result<()> {
    let text = fs::read_to_string(page)?.replace("</body>", PROBE);
    let probed = page.with_extension("probe.html");
    fs::write(&probed, text)?;
    let name = probed.file_name().unwrap_or_default().to_string_lossy();
    // No window is as narrow as a telephone; a frame in it may be.
    let frame = format!(
        r#"<title></title><script>addEventListener("message", (event) => {{ document.title = `probe ${{event.data}}`; }});</script><iframe src="{name}" style="width:{width}px;height:{HEIGHT}px;border:0"></iframe>"#
    );
    let framed = page.with_extension("frame.html");
    fs::write(&framed, frame)?;
    let words = ["--dump-dom", "--virtual-time-budget=5000"].map(str::to_owned);
    let dom = browse(browser, &framed, width, &words)?;
    let found = dom.split_once("<title>probe ").and_then(|(_, rest)| rest.split_once("</title>"));
    let (found, _) = found.context("the page's script does not run")?;
    let value = |name: &str| {
        let words = found.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        words.unwrap_or_default().to_owned()
    };
    let (wide, window): (u32, u32) = (value("width").parse()?, value("window").parse()?);
    if window != width || wide > window || value("sorted") != "true" {
        bail!("`{}` at {width} pixels: {found}", page.display());
    }
    println!("report-look: {}: {found}", page.display());
    Ok(())
}

/// Opens a page in a window of a width; gives what the browser prints.
fn browse(browser: &Path, page: &Path, width: u32, words: &[String]) -> Result<String> {
    let out = Command::new(browser)
        // The page is our own and fetches nothing; root may not use the sandbox.
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .arg(format!("--window-size={width},{HEIGHT}"))
        .args(words)
        .arg(format!("file://{}", fs::canonicalize(page)?.display()))
        .output()
        .with_context(|| format!("cannot start `{}`", browser.display()))?;
    if !out.status.success() {
        bail!("the browser fails: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
