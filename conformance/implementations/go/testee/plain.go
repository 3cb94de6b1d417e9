package testee

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"wiretask.example/wiretask"
)

// Plain is a value as the suite writes it: integers as decimal strings, octets as hex:….
func Plain(value any) any {
	switch value := value.(type) {
	case uint64:
		return strconv.FormatUint(value, 10)
	case []byte:
		return "hex:" + hex.EncodeToString(value)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = Plain(item)
		}
		return items
	case []wiretask.Tag:
		tags := make([]any, len(value))
		for i, tag := range value {
			tags[i] = map[string]any{"tag": strconv.FormatUint(tag.Number, 10), "value": Plain(tag.Octets)}
		}
		return tags
	case wiretask.Fields:
		made := map[string]any{}
		for name, item := range value {
			made[name] = Plain(item)
		}
		return made
	}
	return value
}

// Made is what the suite writes, as the codec takes it. It fails where the types of Go cannot hold the value.
func Made(value any, holds wiretask.Shape) (any, error) {
	switch value := value.(type) {
	case string:
		return madeText(value, holds)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			made, err := Made(item, holds.Item())
			if err != nil {
				return nil, err
			}
			items[i] = made
		}
		return items, nil
	case map[string]any:
		return madeFields(value, holds)
	}
	return value, nil
}

func madeText(value string, holds wiretask.Shape) (any, error) {
	switch {
	case holds.IsNumber():
		return strconv.ParseUint(value, 10, 64)
	case holds.IsOctets():
		return hex.DecodeString(strings.TrimPrefix(value, "hex:"))
	}
	return value, nil
}

var (
	escapedBackslash = regexp.MustCompile(`\\\\`)
	surrogatePair    = regexp.MustCompile(`(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}`)
	surrogate        = regexp.MustCompile(`(?i)\\ud[89a-f][0-9a-f]{2}`)
)

// HoldsLoneSurrogate says whether JSON holds what no string of Go can: its decoder would put U+FFFD there without a word.
func HoldsLoneSurrogate(text []byte) bool {
	paired := surrogatePair.ReplaceAll(escapedBackslash.ReplaceAll(text, nil), nil)
	return surrogate.Match(paired)
}

func madeFields(value map[string]any, holds wiretask.Shape) (any, error) {
	made := wiretask.Fields{}
	for name, item := range value {
		if name == wiretask.Unknown {
			tags, err := madeTags(item)
			if err != nil {
				return nil, err
			}
			made[name] = tags
			continue
		}
		inner, err := Made(item, holds.Field(name))
		if err != nil {
			return nil, err
		}
		made[name] = inner
	}
	return made, nil
}

func madeTags(value any) ([]wiretask.Tag, error) {
	items, is := value.([]any)
	if !is {
		return nil, fmt.Errorf("unknown tags are a list, not %T", value)
	}
	var tags []wiretask.Tag
	for _, item := range items {
		entry, _ := item.(map[string]any)
		number, numbered := entry["tag"].(string)
		octets, valued := entry["value"].(string)
		if !numbered || !valued {
			return nil, fmt.Errorf("an unknown tag has a tag and a value")
		}
		tag := wiretask.Tag{}
		var err error
		if tag.Number, err = strconv.ParseUint(number, 10, 16); err != nil {
			return nil, err
		}
		if tag.Octets, err = hex.DecodeString(strings.TrimPrefix(octets, "hex:")); err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, nil
}
