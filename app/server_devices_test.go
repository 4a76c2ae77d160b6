package app

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/nightbell/nightbell/push"
)

// registry stores a device under the id that its token has already.
type registry struct {
	devices
	err error
}

func (r registry) RegisterDevice(_ context.Context, d push.Device) (push.Device, error) {
	d.ID = "dev_known"
	return d, r.err
}

func (r registry) RemoveDevice(context.Context, string, string) error { return r.err }

func TestThePipelineHearsOfDevicesThatChangeHands(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want []string
	}{
		{nil, []string{"dev_known", "dev_old"}},
		{errors.New("the disk is full"), nil},
	} {
		var told []string
		p := phones{registry{err: tc.err}, func(id string) { told = append(told, id) }}
		if _, err := p.RegisterDevice(t.Context(), push.Device{ID: "dev_new"}); !errors.Is(err, tc.err) {
			t.Error(err)
		}
		if err := p.RemoveDevice(t.Context(), "usr_ana", "dev_old"); !errors.Is(err, tc.err) {
			t.Error(err)
		}
		if !slices.Equal(told, tc.want) {
			t.Errorf("%v: told of %v, want %v", tc.err, told, tc.want)
		}
	}
}
