//! Databases of others, read as sources.
