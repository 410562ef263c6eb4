// Read by the sources of tinyssh, whose own build makes it: that there is no lib25519, so that they compile what they have themselves.
