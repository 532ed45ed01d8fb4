//! A macro, so that one member is compiled for the builder rather than for the image.

use proc_macro::TokenStream;

/// The given name as a string literal.
#[proc_macro]
pub fn name(input: TokenStream) -> TokenStream {
    format!("{:?}", input.to_string()).parse().unwrap()
}
