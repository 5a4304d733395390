//! What a crash of the bridge may not cost.
