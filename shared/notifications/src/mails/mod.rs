//! Mails: what each says in five languages, the layout, and sending each once.

mod postman;
mod render;
mod words;

pub use postman::Postman;
pub use render::{Rendered, render};
