"""Opening SQLite: connections, migrations, transactions, and what a failure means to people."""
