package app

import (
	"fmt"

	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
)

// checkPush reads the keys; whether the providers take them is only known by
// pushing.
func (f *findings) checkPush(cfg Config) {
	if len(cfg.Push.APNs.Apps)+len(cfg.Push.FCM.Apps) == 0 {
		who := "no phone"
		if cfg.Push.WebPush.Enabled {
			who = "only a browser"
		}
		f.doubt("push", "no push app is configured, so "+who+" can ring", "add push.apns.apps or push.fcm.apps: docs/configuration.md, Push apps")
	}
	for _, a := range cfg.Push.APNs.Apps {
		if _, err := apns.ParseKey([]byte(a.Key)); err != nil {
			f.broken("push.apns", keyTrouble(a.Name, a.KeyFile, err).Error(), "")
			continue
		}
		f.fine("push.apns", "%s: key %s of team %s for %s", a.Name, a.KeyID, a.TeamID, a.BundleID)
	}
	for _, a := range cfg.Push.FCM.Apps {
		if a.Ambient {
			f.fine("push.fcm", "%s: this machine's own Google credentials, for project %s", a.Name, a.ProjectID)
			continue
		}
		account, err := fcm.ParseServiceAccount([]byte(a.ServiceAccount))
		if err != nil {
			f.broken("push.fcm", keyTrouble(a.Name, a.ServiceAccountFile, err).Error(), "")
			continue
		}
		f.fine("push.fcm", "%s: service account of project %s", a.Name, account.ProjectID)
	}
	f.checkWebPush(cfg)
	if _, err := cfg.rootCAs(); err != nil {
		f.broken("push.ca_file", err.Error(), "")
	}
}

// spareFiles is what a node opens beside its sockets.
const spareFiles = 256

func (f *findings) checkFiles(cfg Config) {
	limit, known := openFiles()
	if want := uint64(cfg.Realtime.MaxConnections) + spareFiles; known && limit < want {
		f.doubt("open files", fmt.Sprintf("the limit is %d, and realtime.max_connections alone may need %d", limit, want),
			fmt.Sprintf("raise it (ulimit -n %d, LimitNOFILE= in systemd), or lower realtime.max_connections", want))
	}
}
