//! A macro, so that one member is compiled for the builder rather than for the image.

use proc_macro::TokenStream;

/// The name that is given, as a text.
#[proc_macro]
pub fn name(input: TokenStream) -> TokenStream {
    format!("{:?}", input.to_string()).parse().unwrap()
}
