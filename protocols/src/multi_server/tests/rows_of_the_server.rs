//! rows_of_the_server
