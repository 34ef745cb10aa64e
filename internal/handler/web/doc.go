// Package web is what the pages for people have in common: one stylesheet, the
// headers that keep a page to itself, words from locale files, times as a reader
// writes them, and the choice of a language.
//
// The pages need no script, load nothing from elsewhere and carry no style of
// their own, so that their policy can forbid all of it. Links on a page hold no
// host: they begin with the path of the configured public URL.
package web
