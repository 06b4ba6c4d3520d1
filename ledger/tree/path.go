package tree

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// entriesLevel stands in the place of a level for the entries themselves.
const entriesLevel = -1

// place is a tile, or a bundle of entries, by its path as C2SP's tlog-tiles has it.
type place struct {
	level  int // entriesLevel for entries
	number int64
	width  int // tileWidth for a full one
}

func (p place) String() string {
	level := "entries"
	if p.level >= 0 {
		level = strconv.Itoa(p.level)
	}
	path := "tile/" + level + "/" + numberPath(p.number)
	if p.width != tileWidth {
		path += ".p/" + strconv.Itoa(p.width)
	}
	return path
}

// numberPath has three digits to a folder, all but the last with an x before them.
func numberPath(n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return path
}

// parsePath reads a path. What is not written as String writes it is no path.
func parsePath(path string) (place, bool) {
	p := place{width: tileWidth}
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || len(path) > 100 {
		return place{}, false
	}
	level, rest, _ := strings.Cut(rest, "/")
	number, width, partial := strings.Cut(rest, ".p/")
	if level == "entries" {
		p.level = entriesLevel
	} else if p.level, ok = natural(level); !ok || p.level >= depth {
		return place{}, false
	}
	if partial {
		if p.width, ok = natural(width); !ok || p.width < 1 || p.width >= tileWidth {
			return place{}, false
		}
	}
	for part := range strings.SplitSeq(number, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 16)
		if err != nil || n > 999 || p.number > (1<<62)/1000 {
			return place{}, false
		}
		p.number = p.number*1000 + int64(n)
	}
	return p, p.String() == path
}

func natural(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil
}

// placeOf returns the place of a tile of tlog's.
func placeOf(tile tlog.Tile) place { return place{level: tile.L, number: tile.N, width: tile.W} }

// blockName and entriesName are the files of entries.
func blockName(number int64) string   { return "tile/block/" + numberPath(number) }
func entriesName(number int64) string { return place{entriesLevel, number, tileWidth}.String() }
