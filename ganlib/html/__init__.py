"""Pages for people: one file each that asks nobody for anything and reads by day and by night."""
