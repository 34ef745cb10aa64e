// Package wire is what the mains of the functions share: settings, clients, and
// the services that stand on them. Each part is made by a function of its own,
// so that a binary links what its main asks for and nothing else.
package wire
