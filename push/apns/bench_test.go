package apns_test

func benchEmulator() bool { return false }
