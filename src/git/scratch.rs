//! A private bare repository from which git talks to remotes, so that nothing which stands in
//! the real one's configuration is ever obeyed.
