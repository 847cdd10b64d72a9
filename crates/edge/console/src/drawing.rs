//! Charts as plain SVG: numbers in, shapes out; colour and type are the style sheet's.

pub(crate) mod bursts;
pub(crate) mod calendar;
pub(crate) mod deadlines;
pub(crate) mod flows;
pub(crate) mod gauge;
pub(crate) mod squares;
pub(crate) mod treemap;
pub(crate) mod usual;
