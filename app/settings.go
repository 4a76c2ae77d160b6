package app

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Setting names one thing that can be configured.
type Setting struct {
	// Key is the dotted name in the file: log.level.
	Key string
	// Env is the environment variable; empty for the lists of apps, which
	// only the file can hold.
	Env string

	index []int
}

const envPrefix = "NIGHTBELL_"

// Settings lists every setting, in the order of Config. It is read off the
// struct, so a field cannot be forgotten anywhere that walks this list.
func Settings() []Setting {
	return settingsOf(reflect.TypeFor[Config](), "", nil)
}

func settingsOf(t reflect.Type, prefix string, index []int) []Setting {
	var all []Setting
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("yaml")
		at := append(append([]int{}, index...), i)
		if f.Type.Kind() == reflect.Struct {
			all = append(all, settingsOf(f.Type, key+".", at)...)
			continue
		}
		s := Setting{Key: key, index: at}
		if !isList(f.Type) {
			s.Env = envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		}
		all = append(all, s)
	}
	return all
}

// isList reports whether the setting is a list of structures.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// set parses text into the setting's field of c.
func (s Setting) set(c *Config, text string) error {
	field := reflect.ValueOf(c).Elem().FieldByIndex(s.index)
	switch v := field.Addr().Interface().(type) {
	case *string:
		*v = text
	case *[]string:
		*v = splitList(text)
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*v = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*v = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 30s, 5m or 1h30m", text)
		}
		*v = d
	default:
		return errors.New("can only be set in the configuration file")
	}
	return nil
}

// splitList reads a comma-separated list, as the environment and flags spell it.
func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
