package app

import "fmt"

// didYouMean gives " (did you mean …?)" for the known name nearest to the
// unknown one, or nothing when none is near enough to be a typing error.
func didYouMean(unknown string, known []string) string {
	best, distance := "", len(unknown)/3+2
	for _, k := range known {
		if d := editDistance(unknown, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is Levenshtein's, over bytes: settings' names are ASCII.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
