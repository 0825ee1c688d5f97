//! random_inputs
