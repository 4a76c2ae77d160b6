package nightbell_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/nightbell/nightbell/"

// floors is the house: a room may import only rooms on lower floors, and of
// those only the ones named in may. Rooms that are missing here fail the test.
var floors = map[string]int{
	"cmd": 8,
	"app": 7,
	"api": 6, "models": 6,
	"setup":   5, // speaks of services, which are respond's nouns
	"respond": 4,
	"push":    3, "realtime": 3, "ical": 3,
	"incident": 2, "oncall": 2, "queue": 2, "auth": 2,
	"id": 1, "meter": 1, "crash": 1,
	"fault": 0,
}

// may lists what each room may import of ours. "" is the root (the spec).
var may = map[string][]string{
	"fault":    {},
	"id":       {"fault"},
	"meter":    {},
	"crash":    {},
	"incident": {"fault"},
	"oncall":   {"fault"},
	"queue":    {"fault", "meter"},
	"auth":     {"fault", "id", "meter"},
	"push":     {"incident", "queue", "fault", "id", "meter", "crash"},
	"realtime": {"incident", "fault", "id", "meter"},
	"ical":     {"oncall", "fault"},
	"respond":  {"incident", "oncall", "push", "queue", "fault", "id", "meter", "crash"},
	"setup":    {"respond", "oncall", "auth", "push", "fault", "id"},
	"models":   {"respond", "setup", "push", "realtime", "auth", "incident", "oncall", "queue", "fault", "id", "meter", "crash"},
	"api":      {"", "respond", "realtime", "push", "auth", "incident", "oncall", "fault", "id", "meter"},
	"app":      {"", "api", "models", "respond", "setup", "push", "realtime", "auth", "incident", "oncall", "queue", "fault", "id", "meter"},
	"cmd":      {"app"},
}

// doors: each vendor library is imported by these packages only.
var doors = map[string][]string{
	"gorm.io/":                     {"models"},
	"github.com/jackc/pgx":         {"models"},
	"modernc.org/sqlite":           {"models"},
	"github.com/pressly/goose":     {"models"},
	"github.com/wneessen/go-mail":  {"push/mail"},
	"firebase.google.com/":         {"push/fcm"},
	"google.golang.org/api":        {"push/fcm"},
	"github.com/sideshow/apns2":    {"push/apns"},
	"github.com/gorilla/websocket": {"realtime", "realtime/realtimetest"},
	// push/apns, push/fcm and push/webpush each sign what their own provider
	// wants (a provider token, an OAuth assertion, a VAPID token).
	"github.com/golang-jwt/":            {"auth", "push/apns", "push/fcm", "push/webpush", "push/pushtest"},
	"github.com/prometheus/":            {"meter"},
	"github.com/oklog/ulid":             {"id"},
	"github.com/goccy/go-yaml":          {"setup", "app"},
	"github.com/arran4/golang-ical":     {"ical"},
	"github.com/teambition/rrule-go":    {"oncall"}, // arithmetic on values, as pure as oncall itself
	"github.com/alecthomas/kong":        {"app", "cmd/nightbell"},
	"github.com/santhosh-tekuri/":       {"api"},
	"github.com/oapi-codegen/":          {"api"},
	"github.com/getkin/kin-openapi":     {"api"},
	"github.com/alexedwards/argon2id":   {"auth"},
	"golang.org/x/oauth2":               {"push/fcm"},
	"golang.org/x/net/http2":            {"push/wire", "push/pushtest"},
	"github.com/PagerDuty/go-pagerduty": {},
	"pgregory.net/rapid":                {},
	"github.com/google/go-cmp":          {},
	"go.uber.org/goleak":                {},
	"github.com/anishathalye/porcupine": {},
}

// pure rooms take values and return values.
var pure = []string{"incident", "oncall"}

// impure are the standard packages a pure room has no business with.
var impure = []string{"context", "net", "database", "log", "os", "io/fs", "math/rand", "crypto/rand"}

type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 15 {
		t.Fatalf("go list found only %d packages; is this the module's root?", len(all))
	}
	return all
}

// room gives the top-level folder of one of our import paths, "" for the root.
func room(path string) (name string, ours bool) {
	if path+"/" == module {
		return "", true
	}
	rest, ok := strings.CutPrefix(path, module)
	name, _, _ = strings.Cut(rest, "/")
	return name, ok
}

// outside are folders that are not rooms: they hold stories, benchmarks and
// tools, and may look at everything.
func outside(name string) bool {
	return name == "" || name == "test" || name == "bench" || name == "clients"
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := room(p.ImportPath)
		if outside(from) {
			continue
		}
		if _, ok := floors[from]; !ok {
			t.Errorf("%s is on no floor; draw it into house_test.go and doc.go", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if complaint := arrow(from, p.ImportPath, imp); complaint != "" {
				t.Error(complaint)
			}
		}
	}
}

// arrow judges one import of one of our packages.
func arrow(from, pkgPath, imp string) string {
	to, ours := room(imp)
	if !ours || to == from {
		return ""
	}
	// A room's own test support (pushtest, modelstest) stays out of the binary,
	// but for the emulator, which the demo and a command run.
	if strings.HasSuffix(imp, "test") && !strings.HasSuffix(pkgPath, "test") && imp != module+"push/pushtest" {
		return fmt.Sprintf("%s imports %s, which is for tests", pkgPath, imp)
	}
	if strings.HasSuffix(pkgPath, "test") && from != "cmd" {
		return ""
	}
	if !slices.Contains(may[from], to) {
		return fmt.Sprintf("%s imports %s: the room %q may not import %q (DESIGN: a room imports only downward, and only what doc.go says)", pkgPath, imp, from, to)
	}
	if to != "" && floors[to] >= floors[from] {
		return fmt.Sprintf("%s imports %s, which is not on a lower floor", pkgPath, imp)
	}
	return ""
}

func TestEachVendorHasOneDoor(t *testing.T) {
	for _, p := range packages(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		if r, _ := room(p.ImportPath); outside(r) {
			continue
		}
		for _, imp := range p.Imports {
			for vendor, allowed := range doors {
				if strings.HasPrefix(imp, vendor) && !slices.Contains(allowed, rel) {
					t.Errorf("%s imports %s; its only door is %v", p.ImportPath, imp, allowed)
				}
			}
		}
	}
}

func TestOnlyTheCompositionKnowsTheDatabase(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := room(p.ImportPath)
		for _, imp := range p.Imports {
			to, ours := room(imp)
			if !ours || outside(from) || from == to {
				continue
			}
			if to == "models" && from != "app" {
				t.Errorf("%s imports %s; only app and tests know the database", p.ImportPath, imp)
			}
			if to == "app" && from != "cmd" {
				t.Errorf("%s imports %s; only cmd and tests start the house", p.ImportPath, imp)
			}
		}
	}
}

func TestPureRoomsArePure(t *testing.T) {
	for _, p := range packages(t) {
		r, _ := room(p.ImportPath)
		if !slices.Contains(pure, r) {
			continue
		}
		for _, imp := range p.Imports {
			for _, bad := range impure {
				if imp == bad || strings.HasPrefix(imp, bad+"/") {
					t.Errorf("pure room %s imports %s", r, imp)
				}
			}
		}
		for _, file := range p.GoFiles {
			for _, complaint := range impurities(t, filepath.Join(p.Dir, file)) {
				t.Error(complaint)
			}
		}
	}
}

// impurities finds clocks and goroutines in one file.
func impurities(t *testing.T, path string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, fmt.Sprintf("%s: a goroutine in a pure room", set.Position(n.Pos())))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "AfterFunc", "Tick"}, n.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: time.%s in a pure room; take now as an argument", set.Position(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return found
}

func TestEveryRoomOpensWithADoc(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go that says what it owns and what it may import", p.ImportPath)
			continue
		}
		if !strings.HasPrefix(string(b), "// Package "+p.Name+" ") {
			t.Errorf("%s/doc.go does not open with a package comment", p.ImportPath)
		}
	}
}

func TestNoDrawersForJunk(t *testing.T) {
	bad := []string{"util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "internal", "pkg"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() && slices.Contains(bad, d.Name()) || !d.IsDir() && strings.HasSuffix(path, ".go") && slices.Contains(bad, strings.TrimSuffix(d.Name(), ".go")) {
			t.Errorf("%s: name it by what it does", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheMapShowsTheHouse holds doc.go's drawing to the floors above.
func TestTheMapShowsTheHouse(t *testing.T) {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^//\t(\d) +(.*)$`).FindAllStringSubmatch(string(b), -1) {
		floor, _ := strconv.Atoi(m[1])
		for _, name := range strings.Fields(m[2]) {
			drawn[name] = floor
		}
	}
	if !maps.Equal(drawn, floors) {
		t.Errorf("doc.go draws %v, the house is %v", drawn, floors)
	}
}

// TestTheHouseRulesBite shows that the judges above do refuse: a test that
// cannot fail guards nothing.
func TestTheHouseRulesBite(t *testing.T) {
	for _, c := range []struct{ from, pkg, imp string }{
		{"incident", module + "incident", module + "respond"},
		{"push", module + "push/apns", module + "realtime"},
		{"api", module + "api", module + "models"},
		{"respond", module + "respond", module + "models/modelstest"},
		{"cmd", module + "cmd/nightbell", module + "models"},
	} {
		if arrow(c.from, c.pkg, c.imp) == "" {
			t.Errorf("%s importing %s was not refused", c.pkg, c.imp)
		}
	}
	path := filepath.Join(t.TempDir(), "bad.go")
	src := "package bad\nimport \"time\"\nfunc f() { go f(); _ = time.Now() }\n"
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := impurities(t, path); len(got) != 2 {
		t.Errorf("impurities found %v, want a goroutine and a clock", got)
	}
}
