package realtime_test

func beTheCrowd() {}
