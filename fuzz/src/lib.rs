//! What the fuzz targets share.

pub mod watch;

/// Lets a caught panic of a foreign parser pass, as the product does; one that nobody catches still ends the run.
pub fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let own = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !place_is_foreign(panic.location()) {
                own(panic);
            }
        }));
    });
}

/// Dependencies lie in cargo's registry folder, the standard library where it was built.
fn place_is_foreign(place: Option<&std::panic::Location<'_>>) -> bool {
    place.is_some_and(|place| place.file().contains("registry/src") || place.file().starts_with("/rustc/"))
}

/// A target that reads its input as one of the formats given; with several, the first byte chooses.
#[macro_export]
macro_rules! reader {
    ($only:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::quiet_panics();
            $crate::watch::read(Some(model::Format::$only), data);
        });
    };
    ($($format:ident),+) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::quiet_panics();
            const FORMATS: &[model::Format] = &[$(model::Format::$format),+];
            let Some((first, rest)) = data.split_first() else { return };
            $crate::watch::read(Some(FORMATS[usize::from(*first) % FORMATS.len()]), rest);
        });
    };
}
