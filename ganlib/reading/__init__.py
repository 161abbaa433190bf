"""How sources read what they are given: directories, archives, label files, tables, known data sets' formats."""
