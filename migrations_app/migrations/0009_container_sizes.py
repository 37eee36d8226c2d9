from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("migrations_app", "0008_audit_chain")]

    operations = [
        migrations.AddField(model_name="standing", name="sizes", field=models.BinaryField(default=bytes)),
    ]
