//! What the suites share: a test of each property.

/// Makes a `#[test]` of each property of a suite. The macros of the suites call it.
#[doc(hidden)]
#[macro_export]
macro_rules! properties {
    ($suite:ident, $part:expr, $($property:ident)+) => {
        $(
            #[test]
            fn $property() {
                $crate::$suite::$property($part);
            }
        )+
    };
}
