//! Objects to records.
