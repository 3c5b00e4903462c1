mod lost;
mod stream;
mod whole;
