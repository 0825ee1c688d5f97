//! rows_of_the_user
