package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// probe answers for one part of the node; nil means it works.
type probe struct {
	part  string
	check func(context.Context) error
}

// readyLimit is how long a readiness probe may take: less than the second that
// supervisors wait by default would be too little for a database under load.
const readyLimit = 2 * time.Second

// livez says that the process is up and serves. It asks nothing else: killing
// the process for a database's trouble would only add trouble.
func livez(w http.ResponseWriter, _ *http.Request) {
	answerHealth(w, http.StatusOK, map[string]any{"status": "up"})
}

// readyz asks every probe and says which part is not ready.
func readyz(probes []probe) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
		defer cancel()
		parts := make([]string, len(probes))
		var asked sync.WaitGroup
		for i, p := range probes {
			asked.Go(func() { parts[i] = stateOf(p.check(ctx)) })
		}
		asked.Wait()
		status, word := http.StatusOK, "ready"
		named := map[string]string{}
		for i, p := range probes {
			named[p.part] = parts[i]
			if parts[i] != "ok" {
				status, word = http.StatusServiceUnavailable, "not_ready"
			}
		}
		answerHealth(w, status, map[string]any{"status": word, "parts": named})
	}
}

// stateOf is what the outside may know of a part's trouble; the log has the rest.
func stateOf(err error) string {
	var said *fault.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &said):
		return said.Message
	default:
		return "does not work; see the log"
	}
}

func answerHealth(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a prober that has hung up needs no answer
}
