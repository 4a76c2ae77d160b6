package api

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
)

func TestAdminsSeeAndReleaseHolds(t *testing.T) {
	t.Parallel()
	h := open(t)
	var list HoldList
	h.do(t, "oda", "GET", "/v1/push/holds", "").into(200, &list)
	if list.Items == nil || len(list.Items) != 0 {
		t.Errorf("nothing is held, but %+v", list)
	}
	h.phones.held = []push.Hold{push.Tally{Judged: 10, Devices: 100}.Hold(push.APNs, "pager 2/3", "Unregistered", night)}
	h.do(t, "oda", "GET", "/v1/push/holds", "").into(200, &list)
	if len(list.Items) != 1 || list.Items[0].App != "pager 2/3" || list.Items[0].Judged != 10 || list.Items[0].Devices != 100 || !list.Items[0].Until.Equal(night.Add(time.Hour)) {
		t.Fatalf("held: %+v", list)
	}
	for _, who := range []string{"ana", "eve"} {
		h.do(t, who, "GET", "/v1/push/holds", "").problem(403, "role_too_low", "")
		h.do(t, who, "DELETE", "/v1/push/holds/apns/pager%202%2F3", "").problem(403, "role_too_low", "")
	}
	h.do(t, "oda", "DELETE", "/v1/push/holds/fcm/pager", "").problem(404, "not_found", "")
	h.do(t, "oda", "DELETE", "/v1/push/holds/apns/pager%202%2F3", "").into(204, nil)
	if len(h.phones.held) != 0 {
		t.Error("it is still held")
	}
}
