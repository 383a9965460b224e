//! Files of tables that leave the tree while somebody reads them.

use std::sync::Arc;

use lsmer_core::{
    FileClass, KeyspaceId, KeyspaceOptions, OpenOptions, Run, RunId, TableId, TableMeta, Tree, Vfs,
    models::Model,
};
use lsmer_io::MemVfs;
use lsmer_sync::thread;

use super::{Work, parts};
use crate::{
    Options,
    space::{Space, new_view},
    tables::Tables,
    view::Version,
};

/// A keyspace with one table.
struct World {
    vfs: MemVfs,
    tables: Arc<Tables>,
    space: Arc<Space>,
}

impl World {
    fn new(work: Work) -> Arc<Self> {
        let vfs = MemVfs::without_crashes();
        let parts = parts(&vfs, work);
        let meta = TableMeta { id: TableId { epoch: 1, number: 1 }, ..TableMeta::default() };
        vfs.create_dir("/db".as_ref()).unwrap();
        let tables = Tables::new("/db".into(), parts.clone(), 1 << 20, false);
        vfs.open(&tables.path(meta.id), OpenOptions::create(FileClass::Table)).unwrap();
        let run = Run { id: RunId(1), level: 0, tables: vec![Arc::new(meta)].into() };
        let version = Version::new(Arc::new(Tree { runs: vec![run] }), &tables);
        let view = new_view(&Options::new("/db"), &parts, version);
        let options = KeyspaceOptions::default();
        let space = Space::new(KeyspaceId::DEFAULT, "default".into(), options, view);
        Arc::new(Self { vfs, tables, space })
    }

    /// Shows a tree without the table.
    fn drop_table(&self) {
        self.space.install(Version::new(Arc::default(), &self.tables), None);
    }

    fn files(&self) -> usize {
        self.vfs.read_dir("/db".as_ref()).unwrap().len()
    }
}

#[test]
fn a_table_stays_as_long_as_somebody_reads_it() {
    Model::exhaustive("table-readers").twin("table-removed-at-its-retirement").check(|| {
        let world = World::new(Work::Here);
        let other = Arc::clone(&world);
        let reader = thread::spawn(move || {
            let view = other.space.view_owned();
            for run in &view.version.runs {
                run.tables[0].file().expect("the file of a table that is pinned is there");
            }
        });
        world.drop_table();
        reader.join().unwrap();
        world.tables.wait_for_removals();
        assert_eq!(world.files(), 0, "nobody holds it any more");
    });
}

#[test]
fn whoever_waits_for_removals_finds_the_files_gone() {
    Model::exhaustive("table-removals").twin("removal-not-counted-in-time").check(|| {
        let world = World::new(Work::Beside);
        world.drop_table();
        world.tables.wait_for_removals();
        assert_eq!(world.files(), 0);
    });
}
