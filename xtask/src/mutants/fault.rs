//! The faults that a piece of code can have.

use quote::ToTokens as _;
use syn::{BinOp, GenericArgument, PathArguments, ReturnType, Type};

/// What stands in the place of an operator. The first of each is its opposite.
pub(super) fn instead_of(operator: &BinOp) -> &'static [&'static str] {
    match operator {
        BinOp::Eq(_) => &["!="],
        BinOp::Ne(_) => &["=="],
        BinOp::Lt(_) => &[">=", "<="],
        BinOp::Le(_) => &[">", "<"],
        BinOp::Gt(_) => &["<=", ">="],
        BinOp::Ge(_) => &["<", ">"],
        BinOp::And(_) => &["||"],
        BinOp::Or(_) => &["&&"],
        BinOp::Add(_) => &["-", "*"],
        BinOp::Sub(_) | BinOp::Mul(_) => &["+"],
        BinOp::Div(_) => &["*"],
        BinOp::Rem(_) => &["/"],
        BinOp::BitAnd(_) | BinOp::BitXor(_) => &["|"],
        BinOp::BitOr(_) => &["&"],
        BinOp::Shl(_) => &[">>"],
        BinOp::Shr(_) => &["<<"],
        BinOp::AddAssign(_) => &["-="],
        BinOp::SubAssign(_) => &["+="],
        BinOp::BitAndAssign(_) => &["|="],
        BinOp::BitOrAssign(_) => &["&="],
        _ => &[],
    }
}

/// What a function of a type could give without doing anything.
pub(super) fn values(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec!["()".to_owned()],
        ReturnType::Type(_, of) => values_of(of),
    }
}

fn values_of(of: &Type) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match of {
        Type::Tuple(tuple) if tuple.elems.is_empty() => texts(&["()"]),
        Type::Tuple(tuple) => {
            let firsts = tuple.elems.iter().map(|of| values_of(of).into_iter().next());
            let firsts: Option<Vec<String>> = firsts.collect();
            firsts.map(|firsts| format!("({},)", firsts.join(", "))).into_iter().collect()
        }
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => texts(&["\"\"", "\"xyzzy\""]),
            Type::Slice(_) if reference.mutability.is_none() => texts(&["&[]"]),
            _ => Vec::new(),
        },
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return Vec::new() };
            let inner = match &last.arguments {
                PathArguments::AngleBracketed(arguments) => {
                    arguments.args.iter().find_map(|argument| match argument {
                        GenericArgument::Type(of) => Some(of),
                        _ => None,
                    })
                }
                _ => None,
            };
            let wrapped = |constructor: &str| -> Vec<String> {
                let inner = inner.map(values_of).unwrap_or_default();
                inner.into_iter().map(|value| format!("{constructor}({value})")).collect()
            };
            match &*last.ident.to_string() {
                "bool" => texts(&["true", "false"]),
                "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i64" | "i32" | "isize" => {
                    texts(&["0", "1"])
                }
                "String" => texts(&["String::new()", "\"xyzzy\".to_owned()"]),
                "Option" => [vec!["None".to_owned()], wrapped("Some")].concat(),
                "Result" => wrapped("Ok"),
                "Vec" => texts(&["Vec::new()"]),
                _ => texts(&["Default::default()"]),
            }
        }
        _ => Vec::new(),
    }
}

/// A text on one line, as the source has it but for white space.
pub(super) fn on_one_line(tokens: &str) -> String {
    tokens.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an operand of `&&` binds a name, so that nothing can stand in its place.
pub(super) fn binds(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            binds(&binary.left) || binds(&binary.right)
        }
        _ => false,
    }
}

/// Whether attributes say that an item is for tests alone.
pub(crate) fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.meta.to_token_stream().to_string().contains("test"))
    })
}
