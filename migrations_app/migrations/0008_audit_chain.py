"""Number the lines there are, chain them, and have the database refuse any change of one."""

from datetime import UTC

from django.db import migrations, models

from migrations_app.basics.digests import canonical_json, sha256_hex

TABLE = 'migrations_app_auditline'
AT_ONCE = 2_000
ORIGIN = '0' * 64
# A later schema migration that makes SQLite build this table anew (most changes of columns do) must make these again.
TRIGGERS = {
    'postgresql': (
        """
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';
        END $$
        """,
        f'CREATE TRIGGER audit_line_unchanged BEFORE UPDATE OR DELETE ON {TABLE} '
        'FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()',
        f'CREATE TRIGGER audit_line_kept BEFORE TRUNCATE ON {TABLE} '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()',
    ),
    'sqlite': (
        f"CREATE TRIGGER audit_line_unchanged BEFORE UPDATE ON {TABLE} "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
        f"CREATE TRIGGER audit_line_kept BEFORE DELETE ON {TABLE} "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
    ),
}
GONE = {
    'postgresql': (
        f'DROP TRIGGER audit_line_kept ON {TABLE}',
        f'DROP TRIGGER audit_line_unchanged ON {TABLE}',
        'DROP FUNCTION audit_is_append_only()',
    ),
    'sqlite': ('DROP TRIGGER audit_line_kept', 'DROP TRIGGER audit_line_unchanged'),
}


def chain(apps, schema_editor):
    AuditLine = apps.get_model('migrations_app', 'AuditLine')
    number, digest, changed = 0, ORIGIN, []
    for line in AuditLine.objects.select_related('actor').order_by('id').iterator(chunk_size=AT_ONCE):
        number += 1
        line.number, line.previous = number, digest
        line.actor_name = line.actor.username if line.actor else ''
        line.digest = digest = _digest_of(line)
        changed.append(line)
        if len(changed) >= AT_ONCE:
            _store(AuditLine, changed)
    _store(AuditLine, changed)
    apps.get_model('migrations_app', 'AuditHead').objects.create(pk=1, number=number, digest=digest)


def _store(model, changed):
    model.objects.bulk_update(changed, ['number', 'previous', 'actor_name', 'digest'], batch_size=200)
    changed.clear()


def _digest_of(line):
    """As audit.chain did it when this was written."""
    return sha256_hex(canonical_json({
        'number': line.number,
        'at': line.at.astimezone(UTC).isoformat(timespec='microseconds'),
        'actor': line.actor_id,
        'actor_name': line.actor_name,
        'verb': line.verb,
        'subject': line.subject,
        'detail': line.detail,
        'previous': line.previous,
    }))


def _each(statements):
    def run(apps, schema_editor):
        for statement in statements.get(schema_editor.connection.vendor, ()):
            schema_editor.execute(statement, params=None)
    return run


class Migration(migrations.Migration):

    dependencies = [
        ('migrations_app', '0007_compatibility'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditline',
            name='actor_name',
            field=models.CharField(blank=True, max_length=150, default=''),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditline',
            name='number',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='auditline',
            name='previous',
            field=models.CharField(max_length=64, default=''),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditline',
            name='digest',
            field=models.CharField(max_length=64, default=''),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(default=0)),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='audit_head_is_one')],
            },
        ),
        migrations.RunPython(chain, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='auditline',
            name='number',
            field=models.PositiveBigIntegerField(unique=True),
        ),
        migrations.AlterField(
            model_name='auditline',
            name='verb',
            field=models.CharField(db_index=True, max_length=40),
        ),
        migrations.RunPython(_each(TRIGGERS), _each(GONE)),
    ]
