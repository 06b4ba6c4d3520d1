package policies

import "slices"

// nearest returns the word of a list that somebody may have meant, "" where none is near.
func nearest(word string, words []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, candidate := range slices.Sorted(slices.Values(words)) {
		if d := distanceOf(word, candidate, distance); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// distanceOf counts the letters to be put in, taken out or changed to make one word of another; two that changed places
// count as one. From a limit on it is not told how many.
func distanceOf(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
