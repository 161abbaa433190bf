"""Pages for people: one file each that runs nothing, asks nobody for anything, and reads by day and by night."""
