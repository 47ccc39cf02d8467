"""«Посещение курсов»: an invented form, monthly, of a key of two columns and with a dimension of its own."""
