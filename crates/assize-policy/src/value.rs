//! Policy-side readings of typed values (L-615 – L-619).
