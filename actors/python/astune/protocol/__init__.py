"""What workflows are written against, under upstream's names."""
