package setup

import (
	_ "embed" // for the two files
	"time"
)

//go:embed example.yaml
var example []byte

//go:embed demo.yaml
var demo []byte

// Example is the commented file that documents the format.
func Example() []byte { return example }

// DemoPassword signs the two people of the demo in; DemoRoutingKey is its
// integration's key. Both are public: never import the demo into a real
// instance.
const (
	DemoPassword   = "nightbell-demo"
	DemoRoutingKey = "nightbelldemo00000000000checkout"
)

// Demo is a small organisation: Ana and Ben on a daily rotation, the one who
// is not on call behind them, one policy and one service. The rotations are
// made to start on now's day (UTC), so that Ana has the first turn.
func Demo(now time.Time) (File, error) {
	f, err := Parse(demo)
	if err != nil {
		return File{}, err
	}
	y, m, d := now.UTC().Date()
	for _, s := range f.Schedules {
		s.Rotation.Start, s.Rotation.Local = time.Date(y, m, d, 0, 0, 0, 0, time.UTC), false
	}
	return f, nil
}
