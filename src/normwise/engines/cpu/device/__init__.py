"""What a kernel is made of: plain functions of `builder.Value`, each of which is run once to leave its instructions."""
