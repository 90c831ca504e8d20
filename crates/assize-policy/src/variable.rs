//! Policy variables (section 5).
