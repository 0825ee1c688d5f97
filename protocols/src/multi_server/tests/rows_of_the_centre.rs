//! rows_of_the_centre
