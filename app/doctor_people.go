package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// openForPush gives the database if it is there and up to date; what is wrong
// with it is told by the doctor's other half.
func (f *findings) openForPush(ctx context.Context, cfg Config, opt Options) *models.DB {
	if cfg.unmade() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var u undo
	db, err := cfg.connect(ctx, opt, nil, &u)
	if err != nil {
		f.broken("database", Sentence(err), "")
		return nil
	}
	current, newest, err := db.SchemaVersion(ctx)
	if err == nil {
		_, err = db.Refresh(ctx)
	}
	if err != nil || current != newest {
		f.doubt("database", "what it knows of apps and devices was left out: it cannot be read by this version", "see nightbell doctor")
		_ = db.Close()
		return nil
	}
	return db
}

// joinApps adds the apps that admins set up through the API.
func (f *findings) joinApps(ctx context.Context, cfg Config, p *pushers, db *models.DB) {
	if _, err := os.Stat(filepath.Join(cfg.DataDir, secretName)); cfg.Secret == "" && errors.Is(err, fs.ErrNotExist) {
		return // none was made yet, so nothing is sealed with it
	}
	secret, err := instanceSecret(cfg, new(undo))
	if err == nil {
		err = p.join(ctx, db, secret)
	}
	if err != nil {
		f.broken("push", "the push apps of the database cannot be read: "+Sentence(err), "")
	}
}

// unmet says why nothing gets through a lane, as far as the settings alone
// tell; empty: nothing is known against it.
func (c Config) unmet(key push.Lane) string {
	needs := map[push.Provider]bool{
		push.Email: c.SMTP.Host != "", push.SMS: c.Twilio.AccountSID != "", push.Voice: c.Twilio.AccountSID != "", push.WebPush: c.Push.WebPush.Enabled,
	}
	if met, known := needs[key.Provider]; known && !met {
		return push.NotSetUp(key.Provider)
	}
	return ""
}

// checkPeople tells what stands between a page and people although every key
// is fine.
func (f *findings) checkPeople(ctx context.Context, cfg Config, opt Options, db *models.DB) {
	holds, err := db.Devices().Holds(ctx, opt.Now())
	if err != nil {
		f.broken("devices", Sentence(err), "")
		return
	}
	for _, h := range holds {
		f.doubt("devices", fmt.Sprintf("%s, %s: %s; none is judged until %s", h.Provider, h.App, h.Reason, h.Until.Format(time.RFC3339)),
			fmt.Sprintf("find out why; then DELETE /v1/push/holds/%s/%s", h.Provider, h.App))
	}
	watch := respond.NewWatch(respond.WatchConfig{Store: db.Desk(), Reach: db.Devices(), Trouble: cfg.unmet, Now: opt.Now, Lead: cfg.Notices.ShiftReminder})
	all, err := watch.Pageability(ctx)
	if err != nil {
		f.broken("people", Sentence(err), "")
		return
	}
	onCall, fine := 0, 0
	for _, r := range all {
		switch {
		case !r.OnCall:
			continue
		case r.Pageable():
			fine++
		default:
			f.doubt("people", r.Summary(r.Person.Name)+" (on call)", "put somebody else on call, or have them mend it: the app shows how (GET /v1/me/pageability)")
		}
		onCall++
	}
	if fine == onCall {
		f.fine("people", "%d on call, and a page has a way to each", onCall)
	}
}
