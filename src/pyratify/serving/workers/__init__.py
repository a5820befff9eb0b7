"""Several worker processes behind one address: a supervisor that serves nothing but their health and metrics."""
