//! The release's schema is the same on both engines.

use std::cell::RefCell;

use countersign_store::db::{Db, MIGRATIONS};

use crate::support::{NOW, in_a_file, on_postgres};

/// Table, column, type, and whether it refuses NULL.
const SQLITE_COLUMNS: &str = "
    SELECT t.name || ' ' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN ' NOT NULL' ELSE '' END
    FROM sqlite_master t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table'";
const POSTGRES_COLUMNS: &str = "
    SELECT CAST(table_name || ' ' || column_name || ' '
        || CASE data_type WHEN 'bytea' THEN 'BLOB' ELSE UPPER(data_type) END
        || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END AS TEXT)
    FROM information_schema.columns WHERE table_schema = current_schema()";

/// Table, index, whether it is unique, whether it covers a part only.
const SQLITE_INDEXES: &str = "
    SELECT t.name || ' ' || i.name || ' ' || i.\"unique\" || ' ' || i.partial
    FROM sqlite_master t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND i.origin = 'c'";
const POSTGRES_INDEXES: &str = "
    SELECT t.relname || ' ' || i.relname || ' ' || CAST(x.indisunique AS INTEGER)
        || CASE WHEN x.indpred IS NULL THEN ' 0' ELSE ' 1' END
    FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE t.relnamespace = CAST(current_schema() AS REGNAMESPACE) AND NOT x.indisprimary";

/// Table, its column, the table that it refers to.
const SQLITE_REFERENCES: &str = "
    SELECT t.name || ' ' || f.\"from\" || ' ' || f.\"table\"
    FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f
    WHERE t.type = 'table'";
const POSTGRES_REFERENCES: &str = "
    SELECT t.relname || ' ' || a.attname || ' ' || r.relname
    FROM pg_constraint f
    JOIN pg_class t ON t.oid = f.conrelid
    JOIN pg_class r ON r.oid = f.confrelid
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
    WHERE f.contype = 'f' AND t.relnamespace = CAST(current_schema() AS REGNAMESPACE)";

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_indexes_and_references() {
    let embedded = RefCell::new(Vec::new());
    in_a_file(async |place| {
        let db = place.open().await.expect("open");
        db.migrate(MIGRATIONS, NOW).await.expect("migrate");
        for question in [SQLITE_COLUMNS, SQLITE_INDEXES, SQLITE_REFERENCES] {
            let lines = lines(&db, question).await;
            embedded.borrow_mut().push(lines);
        }
        db.close().await;
    })
    .await;
    let embedded = embedded.into_inner();
    assert!(embedded.iter().all(|lines| lines.len() > 5), "{embedded:?}");
    for line in &embedded[0] {
        let ty = line.split(' ').nth(2);
        assert!(matches!(ty, Some("BIGINT" | "TEXT" | "BLOB")), "{line}: not in the portable subset");
    }
    on_postgres(async |place| {
        let db = place.open().await.expect("open");
        db.migrate(MIGRATIONS, NOW).await.expect("migrate");
        let questions = [POSTGRES_COLUMNS, POSTGRES_INDEXES, POSTGRES_REFERENCES];
        for (question, embedded) in questions.into_iter().zip(&embedded) {
            assert_eq!(lines(&db, question).await, *embedded);
        }
        db.close().await;
    })
    .await;
}

async fn lines(db: &Db, question: &'static str) -> Vec<String> {
    let rows = db.scan(question, vec![]).await.expect("the catalogue");
    let mut lines: Vec<_> = rows.iter().map(|row| row.text(0).expect("a line").to_owned()).collect();
    lines.sort();
    lines
}
