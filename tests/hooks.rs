//! The hooks on real servers: what is recorded, what is refused, what is put in place.

mod install;
mod record;
mod refuse;
mod spool;
mod survive;
mod transaction;
