//! Condition operators and operands (section 6).
