"""Networks that are linear in each image once it is known on which side of 0 every activation lies."""
