package testee

import (
	"encoding/hex"
	"fmt"
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
	case strings.ContainsRune(value, '\uFFFD'):
		// Go's JSON puts this in the place of a lone surrogate, which no string of Go can hold.
		return nil, fmt.Errorf("a string holds no lone surrogate")
	}
	return value, nil
}

func madeFields(value map[string]any, holds wiretask.Shape) (any, error) {
	made := wiretask.Fields{}
	for name, item := range value {
		if name == wiretask.Unknown {
			tags, err := madeTags(item.([]any))
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

func madeTags(items []any) ([]wiretask.Tag, error) {
	var tags []wiretask.Tag
	for _, item := range items {
		entry := item.(map[string]any)
		number, err := strconv.ParseUint(entry["tag"].(string), 10, 16)
		if err != nil {
			return nil, err
		}
		octets, err := hex.DecodeString(strings.TrimPrefix(entry["value"].(string), "hex:"))
		if err != nil {
			return nil, err
		}
		tags = append(tags, wiretask.Tag{Number: number, Octets: octets})
	}
	return tags, nil
}
