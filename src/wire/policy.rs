//! What the configuration says of answering: the same for every thread and transport.

/// How messages are answered, beside what the index says. Threads share it; it never changes.
#[derive(Debug, Default)]
pub struct Policy {}
