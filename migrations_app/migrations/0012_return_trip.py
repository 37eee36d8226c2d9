import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('migrations_app', '0011_pools'),
    ]

    operations = [
        migrations.AddField(
            model_name='forward',
            name='handed_to',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='taken_over', to='migrations_app.migration'),
        ),
        migrations.AddField(
            model_name='migration',
            name='old_hostname',
            field=models.CharField(blank=True, max_length=253),
        ),
        migrations.AddField(
            model_name='migration',
            name='returns',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='return_trips', to='migrations_app.migration'),
        ),
    ]
