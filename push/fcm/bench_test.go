package fcm_test

func benchEmulator() bool { return false }
