"""Part of Wiretask."""
